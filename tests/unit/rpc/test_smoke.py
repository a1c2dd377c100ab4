from served_chain import *
async def test_x(l2):
    import json
    nb = await l2.deploy_notebook()
    h = await l2.send(to=nb, data=notebook_call("write","hello"))
    print(json.dumps(await l2.call("eth_getTransactionByHash",h),indent=1))
    l2.chain.seal()
    for r in [("eth_getBlockByNumber","latest",True),("eth_getTransactionReceipt",h),("eth_getBlockByNumber","pending",False),
      ("eth_feeHistory","0x5","latest",[10,50]),("eth_getLogs",{"fromBlock":"0x0","toBlock":"latest"}),("eth_gasPrice",),("eth_blobBaseFee",),
      ("eth_estimateGas",{"from":ALICE.address,"to":"0x"+nb.hex(),"data":"0x"+notebook_call("write","hello again").hex()}),
      ("eth_estimateGas",{"from":ALICE.address,"to":BOB.address,"value":"0x1"}),
      ("eth_createAccessList",{"from":ALICE.address,"to":"0x"+nb.hex(),"data":"0x"+notebook_call("write","hello again").hex()}),
      ("eth_getProof","0x"+nb.hex(),["0x0","0x"+"00"*31+"01"],"latest"),
      ("txpool_status",)]:
        print(r[0], json.dumps(await l2.ask(*r))[:3500])
    for f,a in (("failWithReason",("because",)),("failWithPanic",()),("count",()),("blockFields",()),("page",(99,))):
        print(f, await l2.ask("eth_call",{"to":"0x"+nb.hex(),"data":"0x"+notebook_call(f,*a).hex()},"latest"))
